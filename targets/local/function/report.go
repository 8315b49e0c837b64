package function

import (
	"fmt"
	"math"
	"time"
)

// startLine is Lambda's first line of an invocation.
func (i *instance) startLine(v *invocation) []byte {
	return fmt.Appendf(nil, "START RequestId: %s Version: %s\n", v.id, i.f.config.Version)
}

// report returns Lambda's last lines of an invocation, with the error before
// them if it was the platform that found it.
func (i *instance) report(v *invocation, failed *failure, took, initTook time.Duration) []byte {
	return appendReport(nil, i.f.config, v.id, failed, took, initTook, i.memory.peak(i))
}

func appendReport(b []byte, c Config, requestID string, failed *failure, took, initTook time.Duration, memory int64) []byte {
	if failed != nil {
		switch {
		case failed.timeout:
			b = fmt.Appendf(b, "%s %s %s\n", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), requestID, timeoutText(c.Timeout))
		case failed.text != "":
			b = fmt.Appendf(b, "%s\n%s\n", failed.text, failed.kind)
		}
	}
	b = append(b, "END RequestId: "...)
	b = append(b, requestID...)
	b = append(b, "\nREPORT RequestId: "...)
	b = append(b, requestID...)
	b = fmt.Appendf(b, "\tDuration: %.2f ms\tBilled Duration: %.0f ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		milliseconds(took), math.Ceil(milliseconds(took+initTook)), c.Memory/mebibyte, (memory+mebibyte-1)/mebibyte)
	if initTook > 0 {
		b = fmt.Appendf(b, "Init Duration: %.2f ms\t", milliseconds(initTook))
	}
	switch {
	case failed == nil:
	case failed.timeout:
		b = append(b, "Status: timeout"...)
	default:
		b = append(b, "Status: error\tError Type: "...)
		b = append(b, failed.kind...)
	}
	return append(b, '\n')
}

// initReport is Lambda's line about a start that failed.
func initReport(took time.Duration, phase string, failed *failure) []byte {
	b := fmt.Appendf(nil, "INIT_REPORT Init Duration: %.2f ms\tPhase: %s\t", milliseconds(took), phase)
	if failed.timeout {
		return append(b, "Status: timeout\n"...)
	}
	return fmt.Appendf(b, "Status: error\tError Type: %s\n", failed.kind)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// failStart writes the log of an invocation whose instance never got ready, and
// completes it.
func (f *Function) failStart(v *invocation, i *instance, failed *failure) {
	log, memory := &instanceLog{logger: f.log}, int64(0)
	if i != nil {
		log, memory = i.log, i.memory.peak(i)
	}
	if v.tail != nil {
		if i != nil {
			v.tail.add([]byte(i.log.output()))
		}
		log.collect(v.tail)
	}
	took := time.Duration(0)
	if !v.began.IsZero() {
		took = time.Since(v.began)
	}
	log.platform(appendReport(fmt.Appendf(nil, "START RequestId: %s Version: %s\n", v.id, f.config.Version),
		f.config, v.id, failed, took, 0, memory))
	if v.tail != nil {
		log.collect(nil)
	}
	f.count(failed)
	v.failed = failed
	close(v.completed)
}

// count counts an invocation that is complete.
func (f *Function) count(failed *failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stats.Invocations++
	if failed != nil {
		f.stats.Errors++
	}
}

// countStart remembers whether the newest start succeeded.
func (f *Function) countStart(failed *failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stats.LastInitError = ""
	if failed != nil {
		f.stats.InitErrors++
		f.stats.LastInitError = failed.reason
	}
}
