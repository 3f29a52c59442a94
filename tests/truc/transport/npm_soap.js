// A SOAP server by the npm package `soap`: it checks what WS-Security our requests carry, and signs its answers.
//
// node npm_soap.js MODULES WSDL FOLDER WHAT prints its port. FOLDER holds the server's key.pem and certificate.pem, and
// client.pem, whose signatures it takes. WHAT (JSON): {"request": "text|digest|signed", "reply": "signed|sha1|plain|
// wrapped|fault"}: what it wants of a request, and what its answers are.
const [modules, wsdl, folder, asked] = process.argv.slice(2);
const fs = require("fs");
const http = require("http");
const path = require("path");
const crypto = require("crypto");
const soap = require(path.join(modules, "soap"));
const { SignedXml } = require(path.join(modules, "xml-crypto"));
const { DOMParser } = require(path.join(modules, "@xmldom/xmldom"));
const xpath = require(path.join(modules, "xpath"));

const what = JSON.parse(asked);
const file = (name) => fs.readFileSync(path.join(folder, name), "utf-8");
const USERS = { hub: "mật khẩu" };
const WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
let received = "";

function checksPassword(security) {
  const token = security.UsernameToken;
  const own = USERS[token.Username];
  const given = token.Password.$value || token.Password;
  const type = token.Password.attributes.Type.split("#")[1];
  if (what.request === "text") return type === "PasswordText" && given === own;
  const nonce = Buffer.from(token.Nonce.$value || token.Nonce, "base64");
  const created = token.Created.toISOString ? token.Created.toISOString() : token.Created;
  const text = Buffer.concat([nonce, Buffer.from(created), Buffer.from(own)]);
  return type === "PasswordDigest" && given === crypto.createHash("sha1").update(text).digest("base64");
}

// xml-crypto verifies; that Body and Timestamp are what was signed is counted by the references' own content.
function checksSignature() {
  const document = new DOMParser().parseFromString(received, "text/xml");
  const signature = xpath.select("//*[local-name(.)='Signature']", document)[0];
  const verifier = new SignedXml({ publicCert: file("client.pem"), getCertFromKeyInfo: () => null, idMode: "wssecurity" });
  verifier.loadSignature(signature);
  if (!verifier.checkSignature(received)) return false;
  const signed = verifier.getSignedReferences();
  return signed.length === 2 && signed.some((one) => /^<[\w-]+:Body/.test(one)) &&
    signed.some((one) => /^<[\w-]+:Timestamp/.test(one));
}

function signed(answer) {
  const weak = what.reply === "sha1" ? "http://www.w3.org/2000/09/xmldsig#sha1" : undefined;
  const options = { signatureAlgorithm: RSA_SHA256, hasTimeStamp: true };
  const certificate = new soap.WSSecurityCert(file("key.pem"), file("certificate.pem"), "", options);
  if (weak) {
    certificate.signer.references.length = 0;
    certificate.signer.signatureAlgorithm = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    certificate.signer.digestAlgorithm = weak;
  }
  // The server's own Security header, with a Timestamp that nobody signs: a message may have one only.
  answer = answer.replace(/<o:Security[^]*<\/o:Security>/, "");
  if (!answer.includes("<soap:Header>")) answer = answer.replace("<soap:Body>", "<soap:Header></soap:Header><soap:Body>");
  return certificate.postProcess(answer, "soap");
}

function wrapped(answer) {
  const body = answer.match(/<soap:Body[^]*<\/soap:Body>/)[0];
  const forged = "<soap:Body>" + body.replace(/<soap:Body[^>]*>/, "").replace("Nguyễn", "Lê");
  return answer.replace(body, forged).replace("</soap:Header>", "<other>" + body + "</other></soap:Header>");
}

function answered(answer) {
  switch (what.reply) {
    case "plain": case "fault": return answer;
    case "wrapped": return wrapped(signed(answer));
    default: return signed(answer);
  }
}

const service = { CcApi: { CcApiPort: { wsCpMt: () => {
  if (what.reply === "fault") throw { Fault: { faultcode: "soap:Client", faultstring: "no" } };
  return { return: { message: "Nguyễn", result: "1" } };
} } } };
const server = http.createServer((request, response) => { response.statusCode = 404; response.end(); });
server.listen(0, "127.0.0.1", () => {
  const listening = soap.listen(server, "/bulkapi", service, fs.readFileSync(wsdl, "utf-8"));
  listening.log = (kind, data) => { if (kind === "received") received = data; };
  listening.authenticate = (security) => {
    try {
      return { text: () => checksPassword(security), digest: () => checksPassword(security),
        signed: checksSignature }[what.request]();
    } catch (error) {
      console.error(error);
      return false;
    }
  };
  listening.on("response", (response) => { response.result = answered(response.result); });
  console.log(server.address().port);
});
