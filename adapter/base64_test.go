package main

import (
	"bytes"
	"encoding/base64"
	"testing"
)

func TestBase64OfEveryLength(t *testing.T) {
	data := make([]byte, 300)
	for i := range data {
		data[i] = byte(i * 151)
	}
	for n := range data {
		checkBase64(t, data[:n])
	}
}

func checkBase64(t *testing.T, data []byte) {
	t.Helper()
	want := "x" + base64.StdEncoding.EncodeToString(data)
	got := appendBase64([]byte("x"), data)
	if string(got) != want {
		t.Fatalf("%x becomes %q, want %q", data, got, want)
	}
	for _, text := range []string{want[1:], base64.RawStdEncoding.EncodeToString(data)} {
		b := []byte(text)
		n, ok := decodeBase64(b)
		if !ok || !bytes.Equal(b[:n], data) {
			t.Fatalf("%q becomes %x, %v, want %x", text, b[:n], ok, data)
		}
	}
}

// FuzzBase64 holds the decoder beside encoding/base64's, whose line breaks it does
// not take.
func FuzzBase64(f *testing.F) {
	f.Add([]byte("aGVsbG8gd29ybGQ="))
	f.Add([]byte("aGVsbG8gd29ybGQ"))
	f.Add([]byte("AAAA=AAAAAAAAAAA"))
	f.Add([]byte("AAAAAAAA\nAAAAAAA"))
	f.Fuzz(func(t *testing.T, text []byte) {
		checkBase64(t, text)
		encoding := base64.StdEncoding
		if len(text)%4 != 0 {
			encoding = base64.RawStdEncoding
		}
		want, err := encoding.DecodeString(string(text))
		valid := err == nil && !bytes.ContainsAny(text, "\r\n")
		b := bytes.Clone(text)
		n, ok := decodeBase64(b)
		if ok != valid || ok && !bytes.Equal(b[:n], want) {
			t.Fatalf("%q becomes %x, %v, want %x, %v", text, b[:n], ok, want, valid)
		}
	})
}
