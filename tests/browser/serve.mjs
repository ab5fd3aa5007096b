// A server of somebody else's for tests/browser/page.html: node serve.mjs PAGE. Prints "PORT NAIVE" (the page's port, and
// that of a server that lets every origin read "treasure"), then what each page sends to /done, each line after "told: ".
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';

const page = readFileSync(process.argv[2]);
const body_of = async (request) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
};
const listen = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));

const own = await listen(createServer(async (request, response) => {
  if (request.url !== '/done') {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(page);
    return;
  }
  for (const line of (await body_of(request)).split('\n')) console.log(`told: ${line}`);
  response.end();
}));
const naive = await listen(createServer(async (request, response) => {
  await body_of(request);
  response.writeHead(200, { 'Access-Control-Allow-Origin': '*' }).end('treasure');
}));
console.log(`${own} ${naive}`);
