// Package remote makes a process a server of TensorFlow's, on which sessions of other processes
// run: see graph.NewSessionAt.
package remote

// #cgo LDFLAGS: -ltensorflow -ldl
// #define _GNU_SOURCE
// #include <dlfcn.h>
// #include <netinet/in.h>
// #include <string.h>
// #include <sys/socket.h>
// #include "tensorflow/c/c_api.h"
//
// // TensorFlow binds its server to all interfaces, whatever its address, and asks nobody who he
// // is. The dynamic linker finds this bind before the C library's, and has all C code of the
// // process bind to the loopback interface instead. Go's own connections do not use it.
// int bind(int fd, const struct sockaddr *address, socklen_t length) {
//   int (*real)(int, const struct sockaddr *, socklen_t) = (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "bind");
//   static const unsigned char loopback[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}; // ::ffff:127.0.0.1
//   struct sockaddr_in6 six;
//   struct sockaddr_in four;
//   if (address->sa_family == AF_INET6 && length >= sizeof six) {
//     memcpy(&six, address, sizeof six);
//     if (IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr)) memcpy(&six.sin6_addr, loopback, sizeof loopback);
//     return real(fd, (struct sockaddr *)&six, sizeof six);
//   }
//   if (address->sa_family == AF_INET && length >= sizeof four) {
//     memcpy(&four, address, sizeof four);
//     if (four.sin_addr.s_addr == INADDR_ANY) four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
//     return real(fd, (struct sockaddr *)&four, sizeof four);
//   }
//   return real(fd, address, length);
// }
import "C"

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	oppb "github.com/wamuir/graft/tensorflow/core/framework/op_def_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/internal/kernels"
)

// Operations is a digest of what all operations take and give.
func Operations() (string, error) {
	if err := cmp.Or(graph.CheckLibrary(), kernels.Register()); err != nil {
		return "", err
	}
	buffer := C.TF_GetAllOpList()
	defer C.TF_DeleteBuffer(buffer)
	var list oppb.OpList
	if err := proto.Unmarshal(unsafe.Slice((*byte)(buffer.data), buffer.length), &list); err != nil {
		return "", fmt.Errorf("read the operations: %w", err)
	}
	slices.SortFunc(list.Op, func(a, b *oppb.OpDef) int { return strings.Compare(a.Name, b.Name) })
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(&list)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), err
}

// Serve starts TensorFlow's server in this process, and returns its address, which only
// processes of this machine reach. They are not asked who they are. The server cannot be
// stopped, and a fatal error within TensorFlow ends the process, so that this is best one for
// the server alone.
//
// It ignores the threads that sessions ask for. With more than one within an operation, sums of
// TensorFlow's are divided otherwise, and a session's bits differ from those of one in the
// program's own process. Between operations there is one for all sessions, which take turns call by
// call: several would hand a training step's operations to each other, for a fifth of its time.
func Serve() (address string, err error) {
	if err := cmp.Or(graph.CheckLibrary(), kernels.Register()); err != nil {
		return "", err
	}
	def, err := proto.Marshal(&pb.ServerDef{
		Cluster: &pb.ClusterDef{Job: []*pb.JobDef{{Name: "worker", Tasks: map[int32]string{0: "127.0.0.1:0"}}}},
		JobName: "worker", Protocol: "grpc",
		DefaultSessionConfig: &pb.ConfigProto{IntraOpParallelismThreads: 1, InterOpParallelismThreads: 1, Experimental: &pb.ConfigProto_Experimental{DisableThreadSpinning: true}},
	})
	if err != nil {
		return "", err
	}
	status := C.TF_NewStatus()
	defer C.TF_DeleteStatus(status)
	s := C.TF_NewServer(unsafe.Pointer(&def[0]), C.size_t(len(def)), status)
	if C.TF_GetCode(status) == C.TF_OK {
		C.TF_ServerStart(s, status)
	}
	if C.TF_GetCode(status) != C.TF_OK {
		return "", fmt.Errorf("start TensorFlow's server: %w", errors.New(C.GoString(C.TF_Message(status))))
	}
	return strings.TrimPrefix(C.GoString(C.TF_ServerTarget(s)), "grpc://"), nil
}
