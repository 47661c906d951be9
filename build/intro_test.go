package build

import "testing"

func FuzzIntro(f *testing.F) {
	f.Add([]byte("0000PACK\x00\x00\x00\x02\x00\x00\x00\x07"), 1)
	f.Add([]byte("0012x\x00push-options00000007abc0000PACK\x00\x00\x00\x02\x00\x00\x00\x07rest"), 3)
	f.Add([]byte("0001PACK"), 2)
	f.Add([]byte("zzzz"), 4)
	f.Add([]byte("ffff"), 4)
	f.Fuzz(func(t *testing.T, data []byte, step int) {
		step = max(1, step%64)
		var whole, parts intro
		want, _ := whole.feed(data)
		var got uint32
		for rest := data; len(rest) > 0; {
			n := min(step, len(rest))
			objects, err := parts.feed(rest[:n])
			if err != nil {
				return
			}
			got, rest = max(got, objects), rest[n:]
		}
		if got != want || parts.section != whole.section || parts.size != whole.size {
			t.Errorf("%d objects in pieces of %d, section %d; %d at once, section %d", got, step, parts.section, want, whole.section)
		}
		if len(parts.buf) > 1<<16 {
			t.Errorf("%d bytes are kept", len(parts.buf))
		}
	})
}
