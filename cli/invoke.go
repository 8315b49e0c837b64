package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/targets"
)

// eventLimit is the largest event that AWS Lambda takes, in bytes.
const eventLimit = 6 << 20

func (c *commands) invoke() *cli.Command {
	return command(&cli.Command{
		Name:      "invoke",
		Usage:     "send an event to a deployment",
		ArgsUsage: "[SERVICE]",
		Flags: flags(manifestFlags(), toFlag(),
			&cli.StringFlag{Name: "event", Value: "-", Usage: "the `FILE` with the event's JSON, - for standard input"},
			&cli.StringFlag{Name: "sample", Usage: "an event of twofold's own: http, queue:NAME, object:NAME or schedule:`NAME`"},
			&cli.BoolFlag{Name: "print", Usage: "print the sample and send nothing"}),
		Action: func(x *cli.Context) error {
			if x.IsSet("sample") && x.IsSet("event") {
				return usageError("--sample and --event are two events; choose one", "")
			}
			if x.Bool("print") {
				return c.printSample(x)
			}
			target, s, err := c.oneDeployment(x)
			if err != nil {
				return err
			}
			var event []byte
			if x.IsSet("sample") {
				event, err = c.sample(x, target.Info())
			} else {
				event, err = c.readEvent(x.String("event"))
			}
			if err != nil {
				return err
			}
			result, err := targets.Invoke(x.Context, target, targets.InvokeRequest{Key: s.Key, Event: event})
			if err != nil {
				return err
			}
			if result.Error != nil {
				fmt.Fprintf(c.out, "%s\n", bytes.TrimSpace(result.Error))
				return fmt.Errorf("invoke %q on %s: the function failed", s.Service, s.Target)
			}
			_, err = fmt.Fprintf(c.out, "%s\n", bytes.TrimSpace(result.Payload))
			return err
		},
	})
}

func (t *terminal) readEvent(path string) ([]byte, error) {
	source := t.in
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read the event: %w", err)
		}
		defer file.Close()
		source = file
	}
	event, err := io.ReadAll(io.LimitReader(source, eventLimit+1))
	if err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	if len(event) > eventLimit {
		return nil, usageError("the event is larger than 6 MB, the most that a function takes", "")
	}
	if !json.Valid(event) {
		return nil, usageError("the event is not JSON", `echo '{"hello": "world"}' | twofold invoke`)
	}
	return event, nil
}
