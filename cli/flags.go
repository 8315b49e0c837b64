package cli

import "github.com/urfave/cli/v2"

// Flags that mean the same in every command that has them.

func manifestFlag() cli.Flag {
	return &cli.StringFlag{Name: "manifest", Aliases: []string{"m"}, Usage: "the manifest `FILE`, or the folder that holds it (default: twofold.hcl here or in a parent folder)"}
}

func envFlag() cli.Flag {
	return &cli.StringFlag{Name: "env", Aliases: []string{"e"}, Value: defaultEnvironment, Usage: "the `ENVIRONMENT`"}
}

func toFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "to", Usage: "a `TARGET`, such as local.container; may be given several times"}
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
