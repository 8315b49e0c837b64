package manifest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// digestFunctions return the digest of a text in hexadecimal digits.
func digestFunctions() map[string]function.Function {
	return map[string]function.Function{
		"md5":    digest(func(b []byte) []byte { d := md5.Sum(b); return d[:] }),
		"sha1":   digest(func(b []byte) []byte { d := sha1.Sum(b); return d[:] }),
		"sha256": digest(func(b []byte) []byte { d := sha256.Sum256(b); return d[:] }),
		"sha512": digest(func(b []byte) []byte { d := sha512.Sum512(b); return d[:] }),
	}
}

func digest(of func([]byte) []byte) function.Function {
	return textFunction([]string{"text"}, cty.String, func(s []string) (cty.Value, error) {
		return cty.StringVal(hex.EncodeToString(of([]byte(s[0])))), nil
	})
}
