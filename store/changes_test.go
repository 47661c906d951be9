package store

import (
	"testing"

	"paas"
)

func TestTheNewestChangesAreKeptThoughTheirAppIsGone(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	app := must(db.CreateApp("hello", ""))(t)
	changes := make([]paas.Change, KeptChanges+3)
	for i := range changes {
		changes[i] = paas.Change{User: "ada", Action: "config:set"}
	}
	changes[0].App, changes[10].App, changes[KeptChanges].App = app.ID, app.ID, app.ID
	check(t, db.AppendChanges(changes))
	check(t, db.AppendChanges(nil))
	check(t, db.DeleteApp(app.ID))
	check(t, db.Close())
	db = open(t, dir)
	got := must(db.Changes("", 2*KeptChanges))(t)
	if len(got) != KeptChanges || got[0].ID != KeptChanges+3 || got[KeptChanges-1].ID != 4 {
		t.Errorf("%d changes, %d to %d", len(got), got[0].ID, got[len(got)-1].ID)
	}
	if got := must(db.Changes(app.ID, 10))(t); len(got) != 2 || got[0].ID != KeptChanges+1 || got[1].ID != 11 {
		t.Errorf("of the app: %+v", got)
	}
	if got := must(db.Changes(app.ID, 1))(t); len(got) != 1 || got[0].ID != KeptChanges+1 {
		t.Errorf("the newest of the app: %+v", got)
	}
}
