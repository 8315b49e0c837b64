//go:build e2e

package lambda

// notCalled are rights that a policy has and that no call of the tests stands for.
var notCalled = map[string]string{}

func unusedActions() []string { return nil }
