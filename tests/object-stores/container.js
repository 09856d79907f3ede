'use strict';

// Makes a container in an emulator of Azure Blob Storage: node container.js URL NAME. The account is the one that every Azurite has.

const crypto = require('node:crypto');

const ACCOUNT = 'devstoreaccount1';
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const VERSION = '2021-08-06';

async function main(url, name) {
  const date = new Date().toUTCString();
  const headers = `x-ms-date:${date}\nx-ms-version:${VERSION}`;
  const signed = `PUT${'\n'.repeat(12)}${headers}\n/${ACCOUNT}/${ACCOUNT}/${name}\nrestype:container`;
  const signature = crypto.createHmac('sha256', Buffer.from(KEY, 'base64')).update(signed, 'utf8').digest('base64');
  const answer = await fetch(`${url}/${ACCOUNT}/${name}?restype=container`, {
    method: 'PUT',
    headers: { 'x-ms-date': date, 'x-ms-version': VERSION, authorization: `SharedKey ${ACCOUNT}:${signature}` },
  });
  if (!answer.ok) {
    throw new Error(`the container ${name} could not be made: ${answer.status} ${await answer.text()}`);
  }
}

main(process.argv[2], process.argv[3]).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
