// Package static serves a folder of files over HTTP: what `paasd static` does in the image of a static site. It stands behind the
// router, which writes the log line of each request, and knows nothing of apps.
//
// It serves regular files only, by os.Root, so that no link leads out of the folder; no listings; nothing whose name begins
// with a dot but /.well-known/, and not the Dockerfile at the root. index.html is its folder's page, page.html also answers
// /page. 404.html is the page for what is not there; else the fallback is, which a single-page app is started with: -fallback, or
// 200.html where there is one.
package static
