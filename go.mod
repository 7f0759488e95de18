module github.com/rnnbin/rnnbin

go 1.26.0

require (
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/spf13/cobra v1.10.2 // indirect
	github.com/spf13/pflag v1.1.0 // indirect
	github.com/wamuir/graft v0.10.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
