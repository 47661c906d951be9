package plan

import "testing"

func TestChoose(t *testing.T) {
	python := []string{"3.9", "3.10", "3.11", "3.12", "3.13", "3.14"}
	php := []string{"8.1", "8.2", "8.3", "8.4", "8.5"}
	for _, c := range []struct {
		text  string
		d     dialect
		def   string
		known []string
		want  string // "": none
	}{
		{">=3.9", pythonDialect, "3.13", python, "3.13"},
		{">=3.9,<3.12", pythonDialect, "3.13", python, "3.11"},
		{">=3.9, < 3.12", pythonDialect, "3.13", python, "3.11"},
		{"<=3.12", pythonDialect, "3.13", python, "3.11"}, // pip reads it as 3.12.0
		{"==3.12.*", pythonDialect, "3.13", python, "3.12"},
		{"==3.12.4", pythonDialect, "3.13", python, "3.12.4"},
		{"~=3.11", pythonDialect, "3.13", python, "3.13"},
		{"~=3.11.2", pythonDialect, "3.13", python, "3.11"},
		{"^3.10", pythonDialect, "3.13", python, "3.13"},
		{"~3.10", pythonDialect, "3.13", python, "3.10"},
		{"3.10", pythonDialect, "3.13", python, "3.10"},
		{"!=3.13.*,>=3.10", pythonDialect, "3.13", python, "3.14"},
		{">3.13", pythonDialect, "3.13", python, "3.13"},
		{"<3.14,>=3.14", pythonDialect, "3.13", python, ""},
		{"*", pythonDialect, "3.13", python, "3.13"},
		{"", pythonDialect, "3.13", python, "3.13"},
		{"^8.1", composerDialect, "8.4", php, "8.4"},
		{"~8.1", composerDialect, "8.4", php, "8.4"},
		{"~8.1.3", composerDialect, "8.4", php, "8.1"},
		{"8.1.*|8.2.*", composerDialect, "8.4", php, "8.2"},
		{"^7.4 || ^8.0", composerDialect, "8.4", php, "8.4"},
		{"8.1 - 8.3", composerDialect, "8.4", php, "8.3"},
		{">=8.1 <8.3", composerDialect, "8.4", php, "8.2"},
		{"8.2.10", composerDialect, "8.4", php, "8.2.10"},
		{"^7.4", composerDialect, "8.4", php, ""},
		{"~> 3.3.0", rubyDialect, "3.4", []string{"3.2", "3.3", "3.4"}, "3.3"},
		{"~> 3.2", rubyDialect, "3.4", []string{"3.2", "3.3", "3.4"}, "3.4"},
		{"3.3", rubyDialect, "3.4", nil, "3.3.0"},
		{">= 3.1, < 3.4", rubyDialect, "3.4", []string{"3.2", "3.3", "3.4"}, "3.3"},
		{"8.1\nRUN id", composerDialect, "8.4", php, ""},
		{"$(id)", pythonDialect, "3.13", python, ""},
		{">=3.99999", pythonDialect, "3.13", python, ""},
	} {
		got, ok := choose(c.text, c.d, c.def, c.known)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("choose(%q) = %q, %v; want %q", c.text, got, ok, c.want)
		}
	}
}

func FuzzChoose(f *testing.F) {
	for _, s := range []string{">=3.9,<4", "^8.1 || ~7.4", "~> 3.3", "3.*", "8.1 - 8.3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, d := range []dialect{pythonDialect, composerDialect, rubyDialect} {
			got, ok := choose(s, d, "3.4", []string{"3.2", "3.3"})
			if _, valid := parseVersion(got); ok && !valid {
				t.Errorf("%q chooses %q", s, got)
			}
		}
	})
}
