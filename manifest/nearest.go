package manifest

// Nearest returns the candidate that the given name most likely means, or "" if
// none is near. The command line suggests with it, so that a misspelt target and
// a misspelt attribute are told alike.
func Nearest(given string, candidates []string) string { return nearest(given, candidates) }
