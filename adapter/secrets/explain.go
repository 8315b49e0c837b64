package main

import (
	"errors"
	"strconv"
	"strings"
)

// explain says why a secret could not be read and what mends it.
func explain(s secret, err error) string {
	var refused *apiError
	if !errors.As(err, &refused) {
		return err.Error()
	}
	in, permission := "Secrets Manager", "secretsmanager:GetSecretValue"
	if s.store == parameterStore {
		in, permission = "the Parameter Store", "ssm:GetParameters"
	}
	where := in
	if s.region != "" {
		where += " of " + s.region
	}
	says := ""
	if refused.message != "" {
		says = " (" + refused.message + ")"
	}
	switch code := refused.code; {
	case strings.Contains(code, "NotFound"):
		if refused.message != "" && !strings.Contains(refused.message, "find the specified secret") {
			return "there is none of that name with a value in " + where + says
		}
		return "there is none of that name in " + where + ": create it there, or correct the name"
	case strings.Contains(code, "AccessDenied"), strings.Contains(code, "Decryption"), strings.Contains(code, "KMS"), strings.Contains(code, "InvalidKeyId"):
		if !strings.Contains(code, "AccessDenied") || strings.Contains(strings.ToLower(refused.message), "kms") {
			return "the function's role cannot decrypt it: it lacks kms:Decrypt for the key" + says
		}
		return "the function's role lacks " + permission + " for it" + says
	case strings.Contains(code, "ExpiredToken"), strings.Contains(code, "UnrecognizedClient"), strings.Contains(code, "InvalidClientTokenId"), strings.Contains(code, "InvalidSignature"):
		return where + " refuses the credentials of the function: " + code
	case code == "":
		return where + " answers with the status " + strconv.Itoa(refused.status)
	default:
		return where + " says " + code + says
	}
}
