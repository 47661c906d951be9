package plan

import "strings"

// look is a tree for those who ask it many questions: the first error is kept, and after it nothing is there any more.
type look struct {
	tree tree
	err  error
}

func (l *look) has(name string) bool {
	if l.err != nil {
		return false
	}
	found, err := l.tree.has(name)
	l.err = err
	return found
}

// text is the content of a file; nil where there is none.
func (l *look) text(name string) []byte {
	if l.err != nil {
		return nil
	}
	text, err := l.tree.read(name)
	l.err = err
	return text
}

// names are the paths of what is in a folder and has a name that ends so.
func (l *look) names(dir, suffix string) []string {
	if l.err != nil {
		return nil
	}
	entries, err := l.tree.list(dir)
	l.err = err
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			names = append(names, dir+"/"+e.Name())
		}
	}
	return names
}
