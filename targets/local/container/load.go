package container

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// loadError reads the engine's answer to a load to its end, and returns the error
// that it reports.
func loadError(answer io.Reader) error {
	lines := json.NewDecoder(answer)
	for {
		var line struct {
			Error string `json:"error"`
		}
		err := lines.Decode(&line)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case line.Error != "":
			return errors.New(line.Error)
		}
	}
}

func parsePort(s string) uint16 {
	n, _ := strconv.ParseUint(s, 10, 16)
	return uint16(n)
}
