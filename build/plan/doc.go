// Package plan decides how a repository becomes an image: by a Dockerfile of its own, or by one that is generated for its
// language. It is a pure function of the tree's files; it runs nothing, asks no network and knows no git. It looks at files
// and folders by their names and never walks the tree.
//
// A generated Dockerfile has two stages as a rule: `build`, which installs and compiles as root, with cache mounts and the
// build's arguments and secrets; and the last one, which is what runs: as the user app (65532), in /app, which is its own and
// its HOME, with certificate authorities and time zones, and with the web process as CMD in exec form, where one is known.
//
// What comes out of the repository is hostile. It gets into the text of a Dockerfile in two ways only: matched whole by one of
// the patterns in words.go, or as a string of a JSON list that no shell reads. script refuses control characters besides.
package plan
