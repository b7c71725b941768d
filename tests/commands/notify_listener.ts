/** A supervisor's socket at the path given: writes each datagram as a line of JSON. Needs --unstable-net. */
const socket = Deno.listenDatagram({ transport: "unixpacket", path: Deno.args[0] });
console.log("listening");
for await (const [bytes] of socket) console.log(JSON.stringify(new TextDecoder().decode(bytes)));
