package manifest

import (
	"bytes"
	"fmt"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// suspectBlock finds the block whose closing brace is most likely the missing
// one: a brace that closes it stands further left than the line that opened
// it. The parser can only say that the outermost block does not end.
func suspectBlock(tokens hclsyntax.Tokens, src []byte) (Note, bool) {
	type opener struct {
		token  hclsyntax.Token
		indent int
	}
	var open []opener
	for i, t := range tokens {
		from := lineStart(src, t.Range.Start.Byte)
		column := len(src[from:t.Range.Start.Byte]) - len(bytes.TrimLeft(src[from:t.Range.Start.Byte], " \t"))
		switch t.Type {
		case hclsyntax.TokenOBrace:
			open = append(open, opener{t, column})
		case hclsyntax.TokenCBrace:
			if len(open) == 0 {
				return Note{}, false
			}
			top := open[len(open)-1]
			open = open[:len(open)-1]
			first := i == 0 || tokens[i-1].Type == hclsyntax.TokenNewline || tokens[i-1].Type == hclsyntax.TokenComment
			if first && column < top.indent && len(open) > 0 {
				return Note{
					Message: fmt.Sprintf("perhaps this one: its brace in line %d is further left", t.Range.Start.Line),
					Range:   rangeOf(top.token.Range),
				}, true
			}
		}
	}
	return Note{}, false
}
