package sandbox

import (
	"bytes"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == InitCommand {
		os.Exit(Init())
	}
	os.Exit(m.Run())
}

func TestSmoke(t *testing.T) {
	t.Logf("%+v", Describe())
	var out bytes.Buffer
	p, err := Start(t.Context(), Spec{Command: []string{"sh", "-c", "id; ls -la / /dev /root /tmp; mount; ps ax; cat /proc/self/status | grep -E 'Cap|NoNew|Sec'; cat /etc/hosts; exit 7"}, Env: []string{"PATH=/usr/bin:/bin"}, Stdout: &out, Stderr: &out, Loopback: true, Memory: 100 << 20, CPU: 500})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	t.Logf("%s\n%+v pid %d", out.String(), p.Exit(), p.Pid())
}
