package store

import (
	"fmt"
	"slices"
	"testing"

	"paas"
)

// FuzzAnySequenceOfOperationsKeepsTheIndexesTrue reads each byte as one operation on a few apps, some of them gone.
func FuzzAnySequenceOfOperationsKeepsTheIndexesTrue(f *testing.F) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	f.Add(all)
	slices.Reverse(all)
	f.Add(slices.Concat(all, all))
	f.Add([]byte{0, 11, 22, 33, 44, 55, 66, 77, 88, 99, 110})
	f.Fuzz(func(t *testing.T, ops []byte) {
		db := openWith(t, t.TempDir(), Options{SubnetPool: prefix("10.84.0.0/24")})
		db.bolt.NoSync = true // nobody pulls the plug here
		w := &world{db: db, ids: []string{"nosuchapp123"}}
		for _, op := range ops[:min(len(ops), 600)] {
			if err := w.do(int(op)); paas.CodeOf(err) == paas.Internal {
				t.Fatalf("operation %d: %v", op, err)
			}
		}
		check(t, db.bolt.View(invariants))
		for _, app := range must(db.Apps())(t) {
			check(t, db.VerifyReleases(app.ID))
		}
	})
}

// world is a store and the ids of the apps that were ever in it.
type world struct {
	db  *DB
	ids []string
}

// do is the operation op%13 on an app and with a number that op selects.
func (w *world) do(op int) error {
	id, n := w.ids[op/13%len(w.ids)], op/13%5
	name := fmt.Sprintf("app%d", n)
	host := name + ".example.com"
	var err error
	switch op % 13 {
	case 0:
		var app paas.App
		if app, err = w.db.CreateApp(name, host); err == nil {
			w.ids = append(w.ids, app.ID)
		}
	case 1:
		err = w.db.DeleteApp(id)
	case 2:
		_, err = w.db.RenameApp(id, name, host)
	case 3:
		_, err = w.db.AppendRelease(paas.Release{App: id}, paas.Config{"N": name})
	case 4:
		_, err = w.db.FinishRelease(id, n, succeeded(), nil)
	case 5:
		_, err = w.db.FinishRelease(id, n, failed("x"), nil)
	case 6:
		_, err = w.db.AppendBuild(paas.Build{App: id})
	case 7:
		err = w.db.UpdateBuild(paas.Build{App: id, ID: n, Status: []paas.BuildStatus{paas.BuildBuilding, paas.BuildFailed}[n%2]})
	case 8:
		_, err = w.db.AppendRun(paas.Run{App: id}, 0)
	case 9:
		err = w.db.UpdateRun(paas.Run{App: id, ID: n, Status: []paas.RunStatus{paas.RunRunning, paas.RunExited}[n%2]})
	case 10:
		err = w.db.AddDomain(id, host, name)
	case 11:
		err = w.db.RemoveDomain(id, host)
	case 12:
		_, err = w.db.MoveSubnet(id)
	}
	return err
}
