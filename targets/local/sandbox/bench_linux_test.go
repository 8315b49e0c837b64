package sandbox

import (
	"path/filepath"
	"testing"
)

// BenchmarkStart measures from the call of Start to the app's first
// instruction: Start returns when the app's program has been executed.
func BenchmarkStart(b *testing.B) {
	for _, bench := range []struct {
		name string
		spec func(b *testing.B) Spec
	}{
		{"machine", func(*testing.B) Spec {
			return Spec{Command: []string{"/bin/sleep", "60"}, Memory: 128 << 20, CPU: 1000, Loopback: true}
		}},
		{"image", func(b *testing.B) Spec {
			root, mounts := imageRoot(b)
			return Spec{Root: root, Mounts: mounts, Command: []string{filepath.Join("/bin", "sleep"), "60"}, Memory: 128 << 20, CPU: 1000, Loopback: true}
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s := bench.spec(b)
			thisMachine()
			b.ResetTimer()
			for b.Loop() {
				p, err := Start(b.Context(), s)
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := p.Kill(); err != nil {
					b.Fatal(err)
				}
				<-p.Done()
				b.StartTimer()
			}
		})
	}
}
