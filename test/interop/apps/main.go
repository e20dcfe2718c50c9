// An app on Go's net/http: says its port, answers `/echo` with what it read, `/download` with a body, `/stream` without a length.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

func pattern(length int) []byte {
	octets := make([]byte, length)
	for at := range octets {
		octets[at] = byte(at % 251)
	}
	return octets
}

func main() {
	http.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		octets, _ := io.ReadAll(r.Body)
		sum := sha256.Sum256(octets)
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "path": r.URL.RequestURI(), "octets": len(octets), "sha": hex.EncodeToString(sum[:])})
	})
	http.HandleFunc("/download", func(w http.ResponseWriter, r *http.Request) {
		length, _ := strconv.Atoi(r.URL.Query().Get("bytes"))
		if !r.URL.Query().Has("chunked") {
			w.Header().Set("Content-Length", strconv.Itoa(length))
		}
		io.Copy(w, bytes.NewReader(pattern(length)))
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, nil))
}
