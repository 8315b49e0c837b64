package main

import (
	"fmt"
	"path/filepath"
)

// The addresses of the cluster. The node is a network namespace; a pair of virtual
// interfaces joins it to the machine.
const (
	link              = "twofold-kube" // the machine's end of the pair
	hostAddress       = "10.99.0.1"
	nodeAddress       = "10.99.0.2"
	podRange          = "10.244.0.0/24"
	serviceRange      = "10.96.0.0/16"
	apiServiceAddress = "10.96.0.1"
	dnsServiceAddress = "10.96.0.10"
	registryAddress   = hostAddress + ":5000"
	nodeName          = "node1"
	pauseImage        = registryAddress + "/pause:1"
)

// paths says where the parts of one cluster lie.
type paths struct {
	programs string // the folder of build.sh
	state    string // this cluster's own folder
}

func (p paths) kube() string               { return filepath.Join(p.programs, "kube") }
func (p paths) credential(f string) string { return filepath.Join(p.state, "credentials", f) }
func (p paths) node(f string) string       { return filepath.Join(p.state, "node", f) }
func (p paths) log(name string) string     { return filepath.Join(p.state, "logs", name+".log") }

func (p paths) etcd() []string {
	return []string{p.kube(), "etcd", "--data-dir", "/run/etcd", "--unsafe-no-fsync", "--log-level", "warn",
		"--listen-client-urls", "http://127.0.0.1:2379", "--advertise-client-urls", "http://127.0.0.1:2379",
		"--listen-peer-urls", "http://127.0.0.1:2380", "--initial-advertise-peer-urls", "http://127.0.0.1:2380",
		"--initial-cluster", "default=http://127.0.0.1:2380"}
}

func (p paths) apiServer() []string {
	c := p.credential
	return []string{p.kube(), "apiserver", "--etcd-servers=http://127.0.0.1:2379",
		"--secure-port=6443", "--advertise-address=" + nodeAddress, "--cert-dir=/run/apiserver",
		"--tls-cert-file=" + c("apiserver.crt"), "--tls-private-key-file=" + c("apiserver.key"), "--client-ca-file=" + c("ca.crt"),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + c("sa.pub"), "--service-account-signing-key-file=" + c("sa.key"),
		"--service-cluster-ip-range=" + serviceRange, "--authorization-mode=Node,RBAC", "--allow-privileged=true",
		"--kubelet-client-certificate=" + c("apiserver-kubelet.crt"), "--kubelet-client-key=" + c("apiserver-kubelet.key"),
		"--kubelet-certificate-authority=" + c("ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		"--requestheader-client-ca-file=" + c("ca.crt"), "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + c("front-proxy.crt"), "--proxy-client-key-file=" + c("front-proxy.key"),
		"--enable-aggregator-routing=true"}
}

func (p paths) controllerManager() []string {
	c := p.credential
	return []string{p.kube(), "controller-manager", "--kubeconfig=" + c("controller-manager.kubeconfig"),
		"--service-account-private-key-file=" + c("sa.key"), "--root-ca-file=" + c("ca.crt"), "--use-service-account-credentials=true",
		"--cluster-signing-cert-file=" + c("ca.crt"), "--cluster-signing-key-file=" + c("ca.key"),
		"--leader-elect=false", "--bind-address=127.0.0.1", "--kube-api-qps=300", "--kube-api-burst=600"}
}

func (p paths) scheduler() []string {
	return []string{p.kube(), "scheduler", "--kubeconfig=" + p.credential("scheduler.kubeconfig"),
		"--leader-elect=false", "--bind-address=127.0.0.1", "--kube-api-qps=300", "--kube-api-burst=600"}
}

func (p paths) kubelet() []string {
	return []string{p.kube(), "kubelet", "--config=" + p.node("kubelet.yaml"), "--kubeconfig=" + p.credential("kubelet.kubeconfig"),
		"--root-dir=" + p.node("kubelet"), "--hostname-override=" + nodeName, "--node-ip=" + nodeAddress, "--cert-dir=/run/kubelet"}
}

func (p paths) proxy() []string {
	return []string{p.kube(), "proxy", "--config=" + p.node("proxy.yaml")}
}

func (p paths) containerd() []string {
	return []string{"containerd", "--config", p.node("containerd.toml")}
}

func (p paths) dns() []string {
	return []string{filepath.Join(p.programs, "dns"), "-conf", p.node("Corefile")}
}

// files are the configurations of what runs on the node, by their paths below the
// cluster's folder.
func (p paths) files() map[string]string {
	return map[string]string{
		"node/containerd.toml": fmt.Sprintf(`version = 2
root = %[1]q
state = "/run/containerd"
[grpc]
  address = "/run/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %[2]q
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = %[3]q
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = %[4]q
[plugins."io.containerd.internal.v1.opt"]
  path = %[5]q
`, p.node("containerd"), pauseImage, p.node("cni"), p.node("certs.d"), p.node("opt")),
		"node/cni/10-bridge.conflist": fmt.Sprintf(`{"cniVersion":"1.0.0","name":"test","plugins":[
 {"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":true,"hairpinMode":true,
  "ipam":{"type":"host-local","dataDir":"/run/ipam","ranges":[[{"subnet":%q}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
`, podRange),
		"node/certs.d/" + registryAddress + "/hosts.toml": fmt.Sprintf("[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", "http://"+registryAddress),
		"node/kubelet.yaml": fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %[1]s}}
authorization: {mode: Webhook}
tlsCertFile: %[2]s
tlsPrivateKeyFile: %[3]s
cgroupDriver: cgroupfs
cgroupRoot: /%[4]s
containerRuntimeEndpoint: unix:///run/containerd.sock
volumePluginDir: %[5]s
resolvConf: %[6]s
failSwapOn: false
oomScoreAdj: 0
enforceNodeAllocatable: [none]
evictionHard: {memory.available: 1Mi, nodefs.available: "0%%", nodefs.inodesFree: "0%%", imagefs.available: "0%%", imagefs.inodesFree: "0%%"}
imageGCHighThresholdPercent: 100
clusterDNS: [%[7]s]
clusterDomain: cluster.local
healthzBindAddress: 127.0.0.1
syncFrequency: 5s
nodeStatusUpdateFrequency: 5s
`, p.credential("ca.crt"), p.credential("kubelet-serving.crt"), p.credential("kubelet-serving.key"), cgroup,
			p.node("volume-plugins"), p.node("resolv.conf"), dnsServiceAddress),
		"node/proxy.yaml": fmt.Sprintf(`apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: %s}
mode: iptables
clusterCIDR: %s
hostnameOverride: %s
oomScoreAdj: 0
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`, p.credential("proxy.kubeconfig"), podRange, nodeName),
		"node/resolv.conf": "",
		"node/Corefile": fmt.Sprintf(`.:53 {
  bind %s
  errors
  kubernetes cluster.local {
    kubeconfig %s test
  }
}
`, nodeAddress, p.credential("admin.kubeconfig")),
		"node/dns.json": fmt.Sprintf(`{"apiVersion":"v1","kind":"List","items":[
{"apiVersion":"v1","kind":"Service","metadata":{"name":"kube-dns","namespace":"kube-system"},"spec":{"clusterIP":%q,
 "ports":[{"name":"dns","port":53,"protocol":"UDP"},{"name":"dns-tcp","port":53,"protocol":"TCP"}]}},
{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"kube-dns","namespace":"kube-system",
 "labels":{"kubernetes.io/service-name":"kube-dns"}},"addressType":"IPv4","endpoints":[{"addresses":[%q],"conditions":{"ready":true}}],
 "ports":[{"name":"dns","port":53,"protocol":"UDP"},{"name":"dns-tcp","port":53,"protocol":"TCP"}]}]}
`, dnsServiceAddress, nodeAddress),
	}
}
