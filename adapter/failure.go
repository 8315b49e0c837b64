package main

import "unicode/utf8"

// The types of the errors that the adapter reports to the platform.
const (
	badBundle      = "Bundle.Invalid"
	secretsNotRead = "Secrets.NotRead"
	appNotStarted  = "App.NotStarted"
	appNotReady    = "App.NotReady"
	appExited      = "App.Exited"
	appTimeout     = "App.Timeout"
	appBadAnswer   = "App.BadAnswer"
	answerTooLarge = "App.AnswerTooLarge"
	eventFailed    = "App.EventFailed"
	errorStatus    = "App.ErrorStatus"
	eventInvalid   = "Event.Invalid"
	notRestored    = "App.NotRestored"
)

// failure is an error that the platform is told.
type failure struct {
	// kind is one of the types above.
	kind string
	// message says what failed, why, and what mends it. It never holds a value of
	// the environment.
	message string
	// output holds the last lines that the app printed.
	output []string
}

func (f *failure) Error() string { return f.kind + ": " + f.message }

// headerType is the value of Lambda-Runtime-Function-Error-Type. The platform
// keeps only types of the forms Function.X and Runtime.X, and counts any other as
// the runtime's fault (fatalerror.go of its emulator).
func (f *failure) headerType() string {
	t := make([]byte, 0, len("Function.")+len(f.kind))
	t = append(t, "Function."...)
	for i := 0; i < len(f.kind); i++ {
		if f.kind[i] != '.' {
			t = append(t, f.kind[i])
		}
	}
	return string(t)
}

// appendJSON appends the error as the runtime API takes it.
func (f *failure) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"errorMessage":`...)
	dst = appendQuotedString(dst, f.message)
	dst = append(dst, `,"errorType":`...)
	dst = appendQuotedString(dst, f.kind)
	dst = append(dst, `,"stackTrace":[`...)
	for i, line := range f.output {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuotedString(dst, line)
	}
	return append(dst, "]}"...)
}

// appendQuotedString appends foreign text as a JSON string.
func appendQuotedString(dst []byte, s string) []byte {
	b := []byte(s)
	if !utf8.Valid(b) {
		b = appendValid(nil, b)
	}
	return appendQuoted(dst, b)
}

func quoted(s string) string { return string(appendQuotedString(nil, s)) }
