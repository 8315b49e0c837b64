package main

// batch is a batch of messages that go to the app one a request.
type batch struct {
	post    post
	records list
}
