package function

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// failure is a function error: an invocation that reached the function, or its
// start, and did not succeed.
type failure struct {
	// kind is what Lambda calls it, such as "Runtime.ExitError".
	kind string
	// payload is the error as JSON: what an Invoke returns.
	payload []byte
	// text is the platform's own line about it, or "" for what a runtime reported.
	text string
	// reason is a sentence for people, without a full stop.
	reason string
	// timeout marks that the time was over.
	timeout bool
}

// The kinds of function errors. Sources: events captured from Lambda, and the
// fatalerror package of aws-lambda-runtime-interface-emulator.
const (
	kindExit         = "Runtime.ExitError"
	kindOutOfMemory  = "Runtime.OutOfMemory"
	kindTimeout      = "Sandbox.Timedout"
	kindEntrypoint   = "Runtime.InvalidEntrypoint"
	kindResponseSize = "Function.ResponseSizeTooLarge"
	kindTruncated    = "Runtime.TruncatedResponse"
	kindInvalidMode  = "Runtime.InvalidResponseModeHeader"
	kindUnknown      = "Runtime.Unknown"
	kindStreaming    = "Runtime.InvalidStreamingResponse"
)

// functionError returns the failure with Lambda's JSON for it.
func functionError(kind, message string) *failure {
	payload, _ := json.Marshal(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{kind, message})
	return &failure{kind: kind, payload: payload, text: message, reason: message}
}

// exitFailure is the failure of an invocation, or of a start, whose process
// ended; the request id may be empty.
func exitFailure(requestID string, e sandbox.Exit) *failure {
	kind := kindExit
	if e.OutOfMemory {
		kind = kindOutOfMemory
	}
	f := functionError(kind, requestPrefix(requestID)+"Runtime exited "+exitText(e))
	switch {
	case e.OutOfMemory:
		f.reason = "it used more memory than it may"
	case e.Signal != 0:
		f.reason = fmt.Sprintf("it was ended by signal %q", e.Signal)
	default:
		f.reason = fmt.Sprintf("it exited with status %d", e.Code)
	}
	return f
}

func exitText(e sandbox.Exit) string {
	switch {
	case e.OutOfMemory:
		return "with error: signal: killed"
	case e.Signal != 0:
		return "with error: signal: " + e.Signal.String()
	case e.Code != 0:
		return fmt.Sprintf("with error: exit status %d", e.Code)
	default:
		return "without providing a reason"
	}
}

func timeoutFailure(requestID string, limit time.Duration) *failure {
	f := functionError(kindTimeout, requestPrefix(requestID)+timeoutText(limit))
	f.reason = timeoutText(limit)
	f.timeout = true
	return f
}

func timeoutText(limit time.Duration) string {
	return fmt.Sprintf("Task timed out after %.2f seconds", limit.Seconds())
}

func requestPrefix(requestID string) string {
	if requestID == "" {
		return ""
	}
	return "RequestId: " + requestID + " Error: "
}
