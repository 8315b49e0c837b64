package main

import "time"

// invocation is one event that the platform hands over.
type invocation struct {
	// id is the platform's id of the request.
	id string
	// event belongs to the connection and is valid until the next call of the API.
	event []byte
	// trace is the X-Ray trace id, or "".
	trace string
	// arn is the function's, with the version or alias that was invoked.
	arn string
	// clientContext and cognitoIdentity are JSON that the caller's SDK sent, tenantID is
	// the tenant whose environment this is; each may be "".
	clientContext, cognitoIdentity, tenantID string
	// deadline is when the platform ends the function, or zero if it did not say.
	deadline time.Time
}
