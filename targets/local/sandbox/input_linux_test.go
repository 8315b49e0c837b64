package sandbox

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestAppReadsItsInputToTheEnd(t *testing.T) {
	sent := bytes.Repeat([]byte{0, 1, '\n', 0xff}, 100<<10)
	var out bytes.Buffer
	p, err := Start(t.Context(), Spec{Command: []string{"cat"}, Stdin: bytes.NewReader(sent), Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	if e := wait(t, p); e.Code != 0 || !bytes.Equal(out.Bytes(), sent) {
		t.Errorf("%v, and %d bytes of %d", e, out.Len(), len(sent))
	}
}

func TestAppThatReadsNothingEnds(t *testing.T) {
	in, keys := io.Pipe() // whose end never comes
	defer keys.Close()
	p, err := Start(t.Context(), Spec{Command: []string{"true"}, Stdin: in})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, p)
}

func TestAppHasATerminalOfItsOwn(t *testing.T) {
	in, keys := io.Pipe()
	defer keys.Close()
	const script = `trap 'stty size; exit 5' INT; test -t 0 && test -t 1 && test -t 2 && : < /dev/tty && stty size; read line; echo "read $line"; while :; do sleep 1; done`
	s := Spec{Command: []string{"sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"}, Stdin: in, Terminal: &Size{Columns: 91, Rows: 33}}
	r, w := io.Pipe()
	s.Stdout = w
	p, err := Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	next := lines(t, r)
	expect := func(want string) {
		t.Helper()
		if got := strings.TrimRight(next(), "\r"); got != want {
			t.Errorf("the screen shows %q, want %q", got, want)
		}
	}
	expect("33 91")
	io.WriteString(keys, "a word\n")
	expect("a word") // the terminal's echo
	expect("read a word")
	if err := p.Resize(Size{Columns: 100, Rows: 40}); err != nil {
		t.Error(err)
	}
	io.WriteString(keys, "\x03") // Ctrl-C
	expect("^C40 100")
	if e := wait(t, p); e.Code != 5 {
		t.Errorf("it ended with %v", e)
	}
}
