package binaries

// SecretsVersion names the sources of the program that reads secrets.
const SecretsVersion = ""

var secretsRecords []record
