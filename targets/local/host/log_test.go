package host

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/twofoldhq/twofold/targets"
)

func TestLogIsRotatedAndBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log", "app.log")
	log, err := openLog(path, 100, 3)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		fmt.Fprintf(log, "line %02d\n", n)
	}
	log.Close()
	fmt.Fprintln(log, "after the close")
	files, _ := filepath.Glob(path + "*")
	if len(files) != 3 {
		t.Fatalf("files %v, want 3", files)
	}
	var all []byte
	for _, file := range []string{path + ".2", path + ".1", path} {
		text, err := os.ReadFile(file)
		if err != nil || len(text) > 100 {
			t.Errorf("%s has %d bytes (%v), want at most 100", file, len(text), err)
		}
		all = append(all, text...)
	}
	lines := strings.Split(strings.TrimSpace(string(all)), "\n")
	for n, line := range lines {
		if want := fmt.Sprintf("line %02d", 100-len(lines)+n); line != want {
			t.Errorf("line %q, want %q", line, want)
		}
	}
}

func TestLogGoesOnAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	for _, text := range []string{"first\n", "second\n"} {
		log, err := openLog(path, 100, 3)
		if err != nil {
			t.Fatal(err)
		}
		log.Write([]byte(text))
		log.Close()
	}
	if text, _ := os.ReadFile(path); string(text) != "first\nsecond\n" {
		t.Errorf("the log is %q", text)
	}
}

func TestLinesOfSeveralStreamsStayWhole(t *testing.T) {
	var out bytes.Buffer
	a, b := &lineWriter{out: &out}, &lineWriter{out: &out}
	a.Write([]byte("one "))
	b.Write([]byte("three\nfo"))
	a.Write([]byte("two\n"))
	b.Close()
	a.Close()
	if out.String() != "three\none two\nfo\n" {
		t.Errorf("got %q", out.String())
	}
	long := &lineWriter{out: &out}
	out.Reset()
	long.Write(bytes.Repeat([]byte("x"), maxLine+1))
	if out.Len() != maxLine+2 || len(long.buf) != 0 {
		t.Errorf("a line without an end: %d bytes written, %d held", out.Len(), len(long.buf))
	}
}

func TestLastLines(t *testing.T) {
	for _, test := range []struct {
		text string
		n    int
		want string
	}{
		{"", 3, ""}, {"a\n", 1, "a\n"}, {"a\nb\nc\n", 2, "b\nc\n"}, {"a\nb\n", 9, "a\nb\n"}, {"\n\n\n", 2, "\n\n"},
	} {
		if got := string(lastLines([]byte(test.text), test.n)); got != test.want {
			t.Errorf("lastLines(%q, %d) = %q, want %q", test.text, test.n, got, test.want)
		}
	}
}

// waiting is a writer for one who waits until a text has come.
type waiting struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{}
}

func (w *waiting) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	select {
	case w.changed <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (w *waiting) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func TestFollowLosesNothingWhenTheLogIsRotated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	log, err := openLog(path, 100, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	fmt.Fprintln(log, "before")
	out := &waiting{changed: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- follow(ctx, path, targets.LogsRequest{Follow: true, Out: out}) }()
	<-out.changed
	want := "before\n"
	for n := range 40 {
		line := fmt.Sprintf("line %d\n", n)
		want += line
		log.Write([]byte(line))
		// One file is followed at a time: two rotations between two looks would
		// lose lines, and a log of ten million bytes does not turn that fast.
		for !strings.HasSuffix(out.String(), line) {
			<-out.changed
		}
	}
	cancel()
	if err := <-ended; err != nil || out.String() != want {
		t.Errorf("followed %d bytes of %d, %v", len(out.String()), len(want), err)
	}
}

func TestFollowWaitsForALogThatIsNotThereYet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	out := &waiting{changed: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- follow(ctx, path, targets.LogsRequest{Follow: true, Out: out}) }()
	log, err := openLog(path, 1000, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	fmt.Fprintln(log, "here")
	for out.String() == "" {
		<-out.changed
	}
	cancel()
	if err := <-ended; err != nil || out.String() != "here\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestLogsOfWhatIsNotDeployedIsAnError(t *testing.T) {
	layout, _ := NewLayout(t.TempDir())
	err := Logs(t.Context(), layout, containerTarget, targets.LogsRequest{Key: testKey(), Out: new(bytes.Buffer)})
	if err == nil || !strings.Contains(err.Error(), "there is no deployment") {
		t.Errorf("error %v", err)
	}
}
