package lambda

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/smithy-go"
)

// problem says what failed on which object. An error that AWS returned is given with
// its code, and one of a missing permission with the statement that grants it.
func problem(op, object string, err error) error {
	if object != "" {
		op += fmt.Sprintf(" %q", object)
	}
	var api smithy.APIError
	if errors.As(err, &api) && denied(api.ErrorCode()) {
		return fmt.Errorf("%s: %w%s", op, err, permission(api.ErrorMessage()))
	}
	return fmt.Errorf("%s: %w", op, err)
}

func denied(code string) bool {
	return strings.HasPrefix(code, "AccessDenied") || code == "UnauthorizedOperation"
}

// What IAM says of a missing permission. Source: "Troubleshoot access denied error
// messages" in the IAM user guide.
var (
	deniedAction   = regexp.MustCompile(`not authorized to perform:? ([a-z0-9-]+:[A-Za-z0-9]+)`)
	deniedResource = regexp.MustCompile(`on resource:? "?(arn:[^\s"]+|\*)`)
)

// permission is the statement that grants what a message says is missing, or "".
func permission(message string) string {
	action := deniedAction.FindStringSubmatch(message)
	if action == nil {
		return ""
	}
	resource := "*"
	if m := deniedResource.FindStringSubmatch(message); m != nil {
		resource = strings.TrimRight(m[1], ".,")
	}
	if strings.Contains(message, "explicit deny") {
		return fmt.Sprintf("\nA policy denies %s on %s explicitly: no statement that allows it helps; ask who wrote that policy.", action[1], resource)
	}
	return fmt.Sprintf("\nGrant it with this statement in a policy of yours:\n"+`{"Effect": "Allow", "Action": "%s", "Resource": "%s"}`, action[1], resource)
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// missing reports whether what was asked for does not exist.
func missing(err error) bool {
	switch code(err) {
	case "ResourceNotFoundException", "ProvisionedConcurrencyConfigNotFoundException", "NoSuchEntity", "NoSuchEntityException":
		return true
	}
	return false
}

// gone reports whether what was asked for does not exist, in the words of the services
// that let requests in.
func gone(err error) bool {
	switch code(err) {
	case "NotFoundException", "TargetGroupNotFound", "RuleNotFound", "ListenerNotFound", "LoadBalancerNotFound":
		return true
	}
	return missing(err)
}

// errMoved is something that is not as it was when it was looked at.
var errMoved = errors.New("it was changed meanwhile")

// moved reports whether the next try may do better, once it has looked again: someone
// else was there in between, a call that seemed to fail took effect, or what was
// made just now is not known everywhere yet.
func moved(err error) bool {
	if errors.Is(err, errMoved) || missing(err) {
		return true
	}
	switch code(err) {
	case "ResourceInUseException": // an event source mapping that is being made or changed
		return true
	case "ValidationException": // of EventBridge Scheduler, of a role that was made just now
		return strings.Contains(err.Error(), "assume the role")
	case "InvalidArgument": // of S3, of a statement that was made just now
		return strings.Contains(err.Error(), "Unable to validate the following destination configurations")
	case "AccessDenied": // of a target group, of a statement that was made just now
		return strings.Contains(err.Error(), "permission to invoke")
	case "DuplicateTargetGroupName", "PriorityInUse", "PreconditionFailedException", "ResourceConflictException", "ConflictException", "OperationAbortedException",
		"EntityAlreadyExists", "EntityAlreadyExistsException", "ResourceAlreadyExistsException", "ConcurrentModification", "ConcurrentModificationException":
		return true
	case "InvalidParameterValueException":
		return strings.Contains(err.Error(), "cannot be assumed by Lambda") || strings.Contains(err.Error(), "execution role does not have permissions") || strings.Contains(err.Error(), "CodeSHA256")
	}
	return false
}

// hidden replaces what must not be shown in the text of an error, and keeps the error.
type hidden struct {
	text string
	err  error
}

func (h hidden) Error() string { return h.text }
func (h hidden) Unwrap() error { return h.err }

// conceal takes the values of an environment out of an error: some of Lambda's
// repeat the request.
func conceal(ctx context.Context, env map[string]string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	text := err.Error()
	for name, value := range env {
		if len(value) > 3 && !strings.HasPrefix(name, "TWOFOLD_") {
			text = strings.ReplaceAll(text, value, "(value of "+name+")")
		}
	}
	if text == err.Error() {
		return err
	}
	return hidden{text, err}
}
