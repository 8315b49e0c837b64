# A byte order mark, CRLF and no line break at the end.
project = "shop"

service "web" {
	build "go" {}
	env = { A = <<EOT
one
two
EOT
	}
}