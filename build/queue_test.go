package build

import (
	"context"
	"errors"
	"testing"
)

func (q *queue) turn(t *ticket) string {
	select {
	case <-t.granted:
		return "granted"
	case <-t.superseded:
		return "superseded"
	default:
		return "waiting"
	}
}

func TestQueueGivesALaneToOneOfAnApp(t *testing.T) {
	q := newQueue(2)
	a1, ahead := q.enter("a")
	if ahead != 0 || q.turn(a1) != "granted" {
		t.Fatalf("first: %s, %d ahead", q.turn(a1), ahead)
	}
	a2, ahead := q.enter("a")
	if ahead != 1 || q.turn(a2) != "waiting" {
		t.Fatalf("second: %s, %d ahead", q.turn(a2), ahead)
	}
	b1, ahead := q.enter("b")
	if ahead != 0 || q.turn(b1) != "granted" {
		t.Fatalf("other app: %s, %d ahead", q.turn(b1), ahead)
	}
	a3, ahead := q.enter("a")
	if ahead != 1 || q.turn(a2) != "superseded" || q.turn(a3) != "waiting" {
		t.Fatalf("third: %s and %s, %d ahead", q.turn(a2), q.turn(a3), ahead)
	}
	q.built(a1)
	if q.turn(a3) != "waiting" {
		t.Fatal("a3 passed a1, which has not left")
	}
	q.leave(a2)
	q.leave(a1)
	if q.turn(a3) != "granted" {
		t.Fatal("a3 is not let in")
	}
	q.leave(a3)
	q.leave(b1)
	q.leave(b1) // once more is harmless
	if q.builders != 2 || len(q.lanes) != 0 || len(q.waiting) != 0 {
		t.Errorf("left behind: %+v", q)
	}
}

func TestQueueSharesTheBuildersInOrder(t *testing.T) {
	q := newQueue(1)
	a, _ := q.enter("a")
	b, aheadB := q.enter("b")
	c, aheadC := q.enter("c")
	if aheadB != 1 || aheadC != 2 {
		t.Errorf("%d and %d ahead", aheadB, aheadC)
	}
	q.built(a)
	if q.turn(b) != "granted" || q.turn(c) != "waiting" {
		t.Errorf("b %s, c %s", q.turn(b), q.turn(c))
	}
	q.leave(b)
	if q.turn(c) != "granted" {
		t.Errorf("c %s", q.turn(c))
	}
}

func TestQueueIsLeftByWhoIsGone(t *testing.T) {
	q := newQueue(1)
	a, _ := q.enter("a")
	b, _ := q.enter("b")
	c, _ := q.enter("c")
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	if err := q.wait(ctx, b); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	q.leave(b)
	q.leave(a)
	if err := q.wait(t.Context(), c); err != nil {
		t.Error(err)
	}
}
