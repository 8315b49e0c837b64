//go:build linux

package main

import (
	"strings"
	"testing"
)

func TestTheAppIsToldOfASnapshot(t *testing.T) {
	p := newPlatform(t)
	p.start("http", "AWS_LAMBDA_INITIALIZATION_TYPE=snap-start", "TWOFOLD_CHECKPOINT_PATH=/before", "TWOFOLD_RESTORE_PATH=/after")
	<-p.restores
	p.stdout.await(t, "POST before the snapshot")
	if strings.Contains(p.stdout.all(), "after the snapshot") {
		t.Error("the app was told before there was a snapshot")
	}
	<-p.restores
	p.awaitNext()
	p.stdout.await(t, "POST after the snapshot")
	if a := p.request("GET", "/", ""); a.StatusCode != 200 {
		t.Errorf("afterwards the answer is %+v", a)
	}
}

func TestAnEnvironmentThatCannotGoOnIsReported(t *testing.T) {
	p := newPlatform(t)
	p.start("http", "AWS_LAMBDA_INITIALIZATION_TYPE=snap-start", "TWOFOLD_RESTORE_PATH=/fails")
	<-p.restores
	<-p.restores
	r := p.awaitReport()
	r.mustBe(t, "restore/error", notRestored)
	if !strings.Contains(r.failure.ErrorMessage, "no entropy") {
		t.Errorf("the message is %q", r.failure.ErrorMessage)
	}
	if code := p.awaitExit(); code != 1 {
		t.Errorf("the exit code is %d", code)
	}
}

func TestAnAppThatCannotBeFrozenFailsItsStart(t *testing.T) {
	p := newPlatform(t)
	p.start("http", "AWS_LAMBDA_INITIALIZATION_TYPE=snap-start", "TWOFOLD_CHECKPOINT_PATH=/fails")
	p.awaitReport().mustBe(t, "init/error", notRestored)
}
