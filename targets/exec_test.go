package targets

import (
	"bytes"
	"io"
	"testing"
)

func TestTheLastLineIsOfStandardErrorWhereThereIsOne(t *testing.T) {
	for _, c := range []struct {
		name, out, err string
		terminal       *Terminal
		want           string
	}{
		{name: "nothing"},
		{name: "only output", out: "one\ntwo\n\n", want: "two"},
		{name: "both", out: "result\n", err: "a warning\nan error\n", want: "an error"},
		{name: "a line that is not whole", err: "first\nsecond", want: "second"},
		{name: "on a terminal", out: "\x1b[31mred\x1b[0m\r\n", terminal: &Terminal{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			p := NewPrinted(Streams{Out: &out, Err: &errs, Terminal: c.terminal})
			io.WriteString(p.Out(), c.out)
			io.WriteString(p.Err(), c.err)
			if p.Last() != c.want || out.String() != c.out || errs.String() != c.err {
				t.Errorf("the last line is %q, want %q; printed %q and %q", p.Last(), c.want, &out, &errs)
			}
		})
	}
}
