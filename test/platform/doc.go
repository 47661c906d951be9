// Package platform runs the product for tests: the two real binaries, compiled with the race detector, on a data
// directory, ports and addresses of their own, next to the real Docker engine, with real git and ssh as their users.
//
//	func TestX(t *testing.T) {
//		p := platform.Start(t, platform.Options{})            // or one for a whole package, by Main
//		app := p.App(t, platform.Fixture{Procfile: "web: /probe web\nworker: /probe worker\n"})
//		app.Push()
//		app.Do("paas", "scale", "web=2")
//		platform.WaitFor(t, 10*time.Second, "an answer", func() error { return app.Get("/").Want(200, "web.1 v1") })
//	}
//
// Everything that a platform makes is gone when Close returns: its containers, networks, images and files. Where the
// test ends by a panic, a time-out, an interrupt or kill -9, a reaper process of its own does the same.
//
// A test that has to stop the engine, fill its disk or cut the host's power takes one of its own, StartEngine.
//
// It knows the product only from outside: binaries, flags, files of the data directory, labels on the engine.
package platform
