package local

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	provider "github.com/pulumi/pulumi-go-provider"
)

// How long a cancelled command may take to end before it is killed.
const graceAfterCancel = 5 * time.Second

// run executes text with the settings of the inputs and stores its output in the state; without text it does nothing.
// The error of a failed command contains all of its output.
func (s *State) run(ctx context.Context, text *string) error {
	if len(s.AssetPaths) > 0 || len(s.ArchivePaths) > 0 {
		return errNoAssets
	}
	if text == nil {
		return nil
	}
	interpreter := s.Interpreter
	if len(interpreter) == 0 {
		interpreter = []string{"/bin/sh", "-c"}
	}
	arguments := append(append([]string{}, interpreter[1:]...), *text)
	command := exec.CommandContext(ctx, interpreter[0], arguments...)
	// Processes that the command started end with it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
	command.WaitDelay = graceAfterCancel
	command.Env = s.environment()
	if s.Dir != nil {
		command.Dir = *s.Dir
	}
	if s.Stdin != nil {
		command.Stdin = strings.NewReader(*s.Stdin)
	}

	var stdout, stderr, both bytes.Buffer
	logger := provider.GetLogger(ctx)
	var lock sync.Mutex
	toLog := func(stream string) *lines {
		return &lines{lock: &lock, all: &both, log: logger.Info, silent: !s.logs(stream)}
	}
	outLines, errLines := toLog("stdout"), toLog("stderr")
	command.Stdout = io.MultiWriter(&stdout, outLines)
	command.Stderr = io.MultiWriter(&stderr, errLines)
	err := command.Run()
	outLines.flush()
	errLines.flush()
	if err != nil {
		return fmt.Errorf("%w: running %q:\n%s", err, *text, both.String())
	}
	s.Stdout = strings.TrimSuffix(stdout.String(), "\n")
	s.Stderr = strings.TrimSuffix(stderr.String(), "\n")
	return nil
}

// environment returns this process's environment, then that of the inputs, then the output of the previous run.
func (s *State) environment() []string {
	environment := os.Environ()
	for name, value := range s.Environment {
		environment = append(environment, name+"="+value)
	}
	if s.AddPreviousOutputInEnv == nil || *s.AddPreviousOutputInEnv {
		if s.Stdout != "" {
			environment = append(environment, "PULUMI_COMMAND_STDOUT="+s.Stdout)
		}
		if s.Stderr != "" {
			environment = append(environment, "PULUMI_COMMAND_STDERR="+s.Stderr)
		}
	}
	return environment
}

// logs reports whether a stream is shown while the command runs. Unset means both, as in the published plugin.
func (s *State) logs(stream string) bool {
	if s.Logging == nil {
		return true
	}
	switch *s.Logging {
	case "stdoutAndStderr":
		return true
	case "stdout", "stderr":
		return *s.Logging == stream
	default:
		return false
	}
}

// lines logs every complete line that is written to it, and collects everything in `all`, which two of them share under `lock`.
type lines struct {
	lock    *sync.Mutex
	all     *bytes.Buffer
	log     func(string)
	silent  bool
	pending []byte
}

// Write never fails.
func (l *lines) Write(data []byte) (int, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.all.Write(data)
	l.pending = append(l.pending, data...)
	for {
		end := bytes.IndexByte(l.pending, '\n')
		if end < 0 {
			return len(data), nil
		}
		l.emit(string(l.pending[:end]))
		l.pending = l.pending[end+1:]
	}
}

// flush logs a last line that has no line end.
func (l *lines) flush() {
	l.lock.Lock()
	defer l.lock.Unlock()
	if len(l.pending) > 0 {
		l.emit(string(l.pending))
		l.pending = nil
	}
}

func (l *lines) emit(line string) {
	if !l.silent {
		l.log(line)
	}
}
