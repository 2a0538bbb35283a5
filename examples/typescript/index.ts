// The reference setup as a Pulumi program in TypeScript. Its keys are those of a stack file (docs/config.md).
import * as pulumi from "@pulumi/pulumi";
import * as ipvlan from "@pulumi/ipvlan-fabric";

const images = {
    centos: "registry.lab:5000/debian-init@sha256:8ca4c614d31059176568e4ae1ee7df03292b82999830c04d87c4e47c6e422e1e",
    nginx: "registry.lab:5000/nginx@sha256:9b357fde13a0a250e4e68a57eeb8496427e68739cec8875f20c1d479911ffeb4",
};

const fabric = new ipvlan.IpvlanFabric("fabric", {
    fabric: { name: "ipvlanl2", mode: "l2", subnet: "10.1.0.0/16", gateway: "10.1.0.1" },
    hosts: {
        "docker-1": { address: "192.168.140.200", parent: "ens33", slice: "10.1.1.0/24" },
        "docker-2": { address: "192.168.140.201", parent: "ens33", slice: "10.1.2.0/24" },
    },
    services: {
        centos: { image: images.centos, command: ["/usr/sbin/init"], offset: 1 },
        nginx: {
            image: images.nginx,
            offset: 2,
            ports: ["80:80"],
            published: true,
            secret_environment: { TOKEN: "token" },
        },
    },
    // pulumi config set --secret token VALUE
    secrets: { token: new pulumi.Config().requireSecret("token") },
});

export const addresses = fabric.addresses;
export const urls = fabric.urls;
