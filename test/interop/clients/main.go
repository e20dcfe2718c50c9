// One run of Go's net/http client through a sidecar: a line of JSON for each thing tried.
//
//	go-client MODE OUTBOUND SERVICE OUTSIDE
//
// MODE is how the sidecar is used: host (connected to, with the service in Host), env (HTTP_PROXY, read by net/http itself) or connect (a CONNECT
// tunnel). OUTSIDE is the authority of a server that is not in the mesh.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

const mebi = 1 << 20

var mode, outbound, service, outside string
var client *http.Client

type facts map[string]any

func pattern(length int) []byte {
	octets := make([]byte, length)
	for at := range octets {
		octets[at] = byte(at % 251)
	}
	return octets
}

func sha(octets []byte) string {
	sum := sha256.Sum256(octets)
	return hex.EncodeToString(sum[:])
}

// ask is what a request is made of; the zero value is GET of path at the service.
type ask struct {
	method, path, authority string
	header                  http.Header
	body                    io.Reader
	length                  int64
	trailer                 http.Header
	trace                   *httptrace.ClientTrace
	follow                  bool
}

type answer struct {
	*http.Response
	octets []byte
}

func send(a ask) (answer, error) {
	if a.method == "" {
		a.method = "GET"
	}
	if a.authority == "" {
		a.authority = service
	}
	base := "http://" + a.authority
	if mode == "host" {
		base = "http://" + outbound
	}
	request, err := http.NewRequest(a.method, base+a.path, a.body)
	if err != nil {
		return answer{}, err
	}
	request.Host = a.authority
	for name, values := range a.header {
		request.Header[name] = values
	}
	if a.length != 0 {
		request.ContentLength = a.length
	}
	request.Trailer = a.trailer
	ctx := request.Context()
	if a.trace != nil {
		ctx = httptrace.WithClientTrace(ctx, a.trace)
	}
	using := *client
	if !a.follow {
		using.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	} else if mode == "host" {
		using.CheckRedirect = func(next *http.Request, _ []*http.Request) error { next.Host = a.authority; return nil }
	}
	response, err := using.Do(request.WithContext(ctx))
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	octets, err := io.ReadAll(response.Body)
	return answer{response, octets}, err
}

func must(a ask) answer {
	result, err := send(a)
	if err != nil {
		panic(err)
	}
	return result
}

func (a answer) field(name string) []string {
	if values := a.Header.Values(name); values != nil {
		return values
	}
	return []string{}
}

func (a answer) json() map[string]any {
	var value map[string]any
	if err := json.Unmarshal(a.octets, &value); err != nil {
		panic(fmt.Errorf("%w: %.200s", err, a.octets))
	}
	return value
}

func told(a answer) facts {
	result := facts{"status": a.StatusCode}
	value := a.json()
	for _, name := range []string{"method", "octets", "sha", "contentLength", "transferEncoding"} {
		result[name] = value[name]
	}
	return result
}

// streamed hides a body's length.
type streamed struct{ io.Reader }

func download(path string) (answer, facts) {
	a := must(ask{path: path})
	return a, facts{"status": a.StatusCode, "octets": len(a.octets), "sha": sha(a.octets)}
}

func refused(a ask) facts {
	result := must(a)
	return facts{"status": result.StatusCode, "proxyStatus": result.field("proxy-status")}
}

func raw(text string, untilData bool) {
	connection, err := net.Dial("tcp", outbound)
	if err != nil {
		panic(err)
	}
	defer connection.Close()
	io.WriteString(connection, text)
	if untilData {
		bufio.NewReader(connection).ReadByte()
	} else {
		time.Sleep(200 * time.Millisecond)
	}
}

func seen(id string) []string {
	var events []string
	for i := 0; i < 100 && len(events) < 2; i++ {
		a := must(ask{path: "/seen?id=" + id})
		if err := json.Unmarshal(a.octets, &events); err != nil {
			panic(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return events
}

func continuing(path string) (answer, bool) {
	continued := false
	trace := &httptrace.ClientTrace{Got100Continue: func() { continued = true }}
	header := http.Header{"Expect": {"100-continue"}}
	return must(ask{method: "POST", path: path, header: header, body: bytes.NewReader(pattern(1000)), trace: trace}), continued
}

var scenarios = []struct {
	name string
	run  func() facts
}{
	{"keep-alive", func() facts {
		good := 0
		ports := map[string]bool{}
		trace := &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) { ports[got.Conn.LocalAddr().String()] = true }}
		for n := 0; n < 50; n++ {
			path := fmt.Sprintf("/echo?n=%d", n)
			if a := must(ask{path: path, trace: trace}); a.StatusCode == 200 && a.json()["path"] == path {
				good++
			}
		}
		return facts{"good": good, "connections": len(ports)}
	}},
	{"parallel", func() facts {
		var wait sync.WaitGroup
		good := make([]bool, 50)
		for n := range good {
			wait.Add(1)
			go func(n int) {
				defer wait.Done()
				path := fmt.Sprintf("/echo?n=%d", n)
				if a, err := send(ask{path: path}); err == nil && a.StatusCode == 200 {
					good[n] = a.json()["path"] == path
				}
			}(n)
		}
		wait.Wait()
		count := 0
		for _, each := range good {
			if each {
				count++
			}
		}
		return facts{"good": count}
	}},
	{"post-length", func() facts { return told(must(ask{method: "POST", path: "/echo", body: bytes.NewReader(pattern(12_345))})) }},
	{"post-chunked", func() facts {
		return told(must(ask{method: "POST", path: "/echo", body: streamed{bytes.NewReader(pattern(54_321))}}))
	}},
	{"put-empty", func() facts { return told(must(ask{method: "PUT", path: "/echo", body: http.NoBody})) }},
	{"upload-large", func() facts { return told(must(ask{method: "POST", path: "/echo", body: bytes.NewReader(pattern(10 * mebi))})) }},
	{"download-large", func() facts {
		a, result := download(fmt.Sprintf("/download?bytes=%d", 10*mebi))
		result["contentLength"] = a.field("content-length")
		return result
	}},
	{"download-chunked", func() facts {
		a, result := download(fmt.Sprintf("/download?bytes=%d&chunked", 10*mebi))
		result["transferEncoding"] = a.TransferEncoding
		return result
	}},
	{"head", func() facts {
		a := must(ask{method: "HEAD", path: "/download?bytes=1000"})
		next := must(ask{path: "/echo"})
		return facts{"status": a.StatusCode, "contentLength": a.field("content-length"), "octets": len(a.octets), "next": next.StatusCode}
	}},
	{"204", func() facts {
		a := must(ask{path: "/204"})
		next := must(ask{path: "/echo"})
		return facts{"status": a.StatusCode, "kind": a.field("x-kind"), "octets": len(a.octets), "next": next.StatusCode}
	}},
	{"304", func() facts {
		a := must(ask{path: "/304", header: http.Header{"If-None-Match": {`"one"`}}})
		next := must(ask{path: "/echo"})
		return facts{"status": a.StatusCode, "etag": a.field("etag"), "octets": len(a.octets), "next": next.StatusCode}
	}},
	{"gzip", func() facts {
		a := must(ask{path: "/gzip"})
		return facts{"status": a.StatusCode, "encoding": a.field("content-encoding"), "isSame": sha(a.octets) == a.Header.Get("x-packed-sha")}
	}},
	{"trailers", func() facts {
		a := must(ask{path: "/trailers"})
		return facts{"body": string(a.octets), "trailers": map[string]string{"x-checksum": a.Trailer.Get("x-checksum")}}
	}},
	{"request-trailers", func() facts {
		a := must(ask{method: "POST", path: "/echo", body: streamed{strings.NewReader("abc")}, trailer: http.Header{"X-Sum": {"3"}}}).json()
		return facts{"octets": a["octets"], "trailers": a["trailers"]}
	}},
	{"redirect", func() facts {
		to := "http://" + service + "/echo?moved"
		if mode == "host" {
			to = "/echo?moved"
		}
		to = url.QueryEscape(to)
		a := must(ask{path: "/redirect?to=" + to, follow: true})
		kept := must(ask{method: "POST", path: "/redirect?status=307&to=" + to, body: strings.NewReader(strings.Repeat("x", 100)), follow: true}).json()
		return facts{"status": a.StatusCode, "path": a.json()["path"], "kept": kept["method"], "octets": kept["octets"]}
	}},
	{"expect-continue", func() facts {
		a, continued := continuing("/continue")
		no, _ := continuing("/continue?refuse")
		return facts{"continued": continued, "octets": a.json()["octets"], "refused": no.StatusCode}
	}},
	{"early-hints", func() facts {
		infos := []int{}
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error { infos = append(infos, code); return nil }}
		a := must(ask{path: "/early-hints", trace: trace})
		return facts{"infos": infos, "status": a.StatusCode}
	}},
	{"cookies", func() facts {
		a := must(ask{path: "/cookies"})
		back := must(ask{path: "/echo", header: http.Header{"Cookie": {"a=1; b=2"}}})
		return facts{"setCookie": a.field("set-cookie"), "cookie": back.json()["cookie"]}
	}},
	{"latin1", func() facts {
		a := must(ask{path: "/latin1"})
		back := must(ask{path: "/echo", header: http.Header{"X-Latin1": {"na\xefve"}}})
		return facts{"received": hex.EncodeToString([]byte(a.Header.Get("x-latin1"))), "sent": back.json()["latin1"]}
	}},
	{"long-url", func() facts {
		path := "/echo?q=" + strings.Repeat("x", 12_000)
		a := must(ask{path: path})
		return facts{"status": a.StatusCode, "isSame": a.json()["path"] == path}
	}},
	{"too-long-url", func() facts { return refused(ask{path: "/echo?q=" + strings.Repeat("x", 20_000)}) }},
	{"unknown-port", func() facts { return refused(ask{path: "/echo", authority: service + ":8123"}) }},
	{"no-endpoints", func() facts { return refused(ask{path: "/echo", authority: "empty"}) }},
	{"outside", func() facts {
		a := must(ask{path: "/echo?outside", authority: outside})
		return facts{"status": a.StatusCode, "path": a.json()["path"], "host": a.json()["host"]}
	}},
	{"early-response", func() facts {
		a := must(ask{method: "POST", path: "/too-large", body: streamed{bytes.NewReader(pattern(2 * mebi))}})
		return facts{"status": a.StatusCode}
	}},
	{"disconnect", func() facts {
		reading := fmt.Sprintf("go-%s-%s-%d-r", mode, service, os.Getpid())
		sending := fmt.Sprintf("go-%s-%s-%d-w", mode, service, os.Getpid())
		raw(fmt.Sprintf("GET /endless?id=%s HTTP/1.1\r\nhost: %s\r\n\r\n", reading, service), true)
		raw(fmt.Sprintf("POST /upload?id=%s HTTP/1.1\r\nhost: %s\r\ncontent-length: 1000\r\n\r\nonly this", sending, service), false)
		return facts{"reading": seen(reading), "sending": seen(sending)}
	}},
}

func try(run func() facts) (result facts) {
	defer func() {
		if caught := recover(); caught != nil {
			text := fmt.Sprint(caught)
			if mode == "connect" && strings.HasSuffix(text, "CONNECT 404") {
				result = facts{"connect": 404}
			} else {
				result = facts{"failed": text}
			}
		}
	}()
	return run()
}

// tunnel dials through the sidecar by CONNECT.
func tunnel(network, address string) (net.Conn, error) {
	connection, err := net.Dial("tcp", outbound)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(connection, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", address, address)
	// Octet by octet, so that nothing of the tunnel is taken.
	head := make([]byte, 0, 128)
	for one := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, one...) {
		if _, err := connection.Read(one); err != nil {
			return nil, err
		}
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: "CONNECT"})
	if err != nil {
		return nil, err
	}
	if response.StatusCode != 200 {
		connection.Close()
		return nil, fmt.Errorf("CONNECT %d", response.StatusCode)
	}
	return connection, nil
}

func main() {
	mode, outbound, service, outside = os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 50, ExpectContinueTimeout: 5 * time.Second}
	switch mode {
	case "env":
		transport.Proxy = http.ProxyFromEnvironment
	case "connect":
		transport.Dial = tunnel
	}
	client = &http.Client{Transport: transport, Timeout: 20 * time.Second}
	for _, scenario := range scenarios {
		result := try(scenario.run)
		result["library"], result["mode"], result["service"], result["name"] = "net/http", mode, service, scenario.name
		line, _ := json.Marshal(result)
		fmt.Println(string(line))
	}
}
