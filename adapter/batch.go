package main

import (
	"bytes"
	"encoding/base64"
	"slices"
)

// batch is a batch of records that go to the app one a request.
type batch struct {
	post    post
	records list
	// fifo says that what follows a failed record of its group is not sent, and stream
	// that nothing is sent behind a failed one: the platform sends all of it again from
	// there on.
	fifo, stream bool
	failedGroups []string
	failed       bool
}

// isBatch reports whether the platform takes a list of the records that failed for an
// answer.
func (o *occurrence) isBatch() bool {
	return o.kind == "queue" || o.kind == "kinesis" || o.kind == "dynamodb"
}

func newBatch(p post) *batch {
	o := &p.occurrence
	return &batch{
		post: p, records: openList(o.records),
		fifo:   o.kind == "queue" && bytes.HasSuffix(o.source, []byte(".fifo")),
		stream: o.kind != "queue",
	}
}

// id returns what the platform calls the record in the list of those that failed:
// messageId of SQS, the sequence number of a stream.
func (b *batch) id(record []byte) []byte {
	switch b.post.occurrence.kind {
	case "kinesis":
		return stringOf(member(member(record, "kinesis"), "sequenceNumber"))
	case "dynamodb":
		return stringOf(member(member(record, "dynamodb"), "SequenceNumber"))
	}
	return stringOf(member(record, "messageId"))
}

// body returns what the app gets of the record: the message of SQS, the data of
// Kinesis, and DynamoDB's record as it is.
func (b *batch) body(record []byte) ([]byte, bool) {
	switch b.post.occurrence.kind {
	case "kinesis":
		data, err := base64.StdEncoding.AppendDecode(nil, stringOf(member(member(record, "kinesis"), "data")))
		return data, err == nil
	case "dynamodb":
		return record, true
	}
	return stringOf(member(record, "body")), true
}

// skips reports whether the record must not be sent because of one that failed.
func (b *batch) skips(record []byte) bool {
	return b.failed && (b.stream || b.fifo && slices.Contains(b.failedGroups, group(record)))
}

// fail notes that the record failed or was not sent.
func (b *batch) fail(record []byte) {
	b.failed = true
	b.failedGroups = append(b.failedGroups, group(record))
}

func group(record []byte) string {
	return string(stringOf(member(member(record, "attributes"), "MessageGroupId")))
}

// appendRecordFields appends what the source says of a record.
func (o *occurrence) appendRecordFields(h, record []byte) []byte {
	switch o.kind {
	case "kinesis":
		data := member(record, "kinesis")
		h = appendField(h, "Twofold-Message-Id", stringOf(member(record, "eventID")))
		h = appendField(h, "Twofold-Partition-Key", stringOf(member(data, "partitionKey")))
		return appendField(h, "Twofold-Sequence-Number", stringOf(member(data, "sequenceNumber")))
	case "dynamodb":
		h = appendField(h, "Twofold-Message-Id", stringOf(member(record, "eventID")))
		return appendField(h, "Twofold-Sequence-Number", stringOf(member(member(record, "dynamodb"), "SequenceNumber")))
	}
	return appendMessageFields(h, record)
}

// appendMessageFields appends what SQS says of a message.
func appendMessageFields(h, record []byte) []byte {
	attributes := member(record, "attributes")
	h = appendField(h, "Twofold-Message-Id", stringOf(member(record, "messageId")))
	h = appendField(h, "Twofold-Attempt", stringOf(member(attributes, "ApproximateReceiveCount")))
	h = appendField(h, "Twofold-Message-Group", stringOf(member(attributes, "MessageGroupId")))
	c := openObject(member(record, "messageAttributes"))
	for {
		name, value, ok := c.next()
		if !ok {
			return h
		}
		if name = appendUnquoted(nil, name); isToken(name) {
			h = appendField(h, "Twofold-Attribute-"+string(name), stringOf(member(value, "stringValue")))
		}
	}
}
