package cli

import "github.com/urfave/cli/v2"

// Flags that mean the same in every command that has them.

// manifestFlags say which manifest, which of its environments, and with which
// values.
func manifestFlags() []cli.Flag {
	return []cli.Flag{manifestFlag(), envFlag(), varFlag(), varFileFlag()}
}

// flags joins what a command takes.
func flags(common []cli.Flag, own ...cli.Flag) []cli.Flag { return append(common, own...) }

func manifestFlag() cli.Flag {
	return &cli.StringFlag{Name: "manifest", Aliases: []string{"m"}, Usage: "the manifest `FILE`, or the folder that holds it (default: twofold.hcl here or in a parent folder)"}
}

func envFlag() cli.Flag {
	return &cli.StringFlag{Name: "env", Aliases: []string{"e"}, Usage: "the `ENVIRONMENT`", DefaultText: defaultEnvironment}
}

func varFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "var", Usage: "the value of a variable, as `NAME=VALUE`; may be given several times"}
}

func varFileFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "var-file", Usage: "a `FILE` with values of variables, a line NAME = VALUE for each; may be given several times"}
}

func toFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "to", Usage: "a `TARGET`, such as local.container, instead of those in the manifest; may be given several times"}
}

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "write data as JSON to standard output"}
}

func platformFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "platform", Usage: "a `PLATFORM`, such as linux/arm64; may be given several times"}
}

func pullFlag() cli.Flag {
	return &cli.BoolFlag{Name: "pull", Usage: "ask the registry again for a base image that is named by tag"}
}

func releaseFlag() cli.Flag {
	return &cli.StringFlag{Name: "release", Usage: "use the release `REF` (a digest or a part of one) and build nothing"}
}

const defaultEnvironment = "default"
