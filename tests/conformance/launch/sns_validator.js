// SPDX-License-Identifier: Apache-2.0
// AWS's message validator for JavaScript, asked about the messages on standard input, a line each:
// {"message": …, "certificate": PEM}. Prints null or the reason for each, as JSON. The certificate
// stands for what is at SigningCertURL.
// sns_validator.js DIR: where it is installed.
'use strict'

const https = require('https')
const readline = require('readline')
const { createRequire } = require('module')
const { Readable } = require('stream')

let certificate
https.get = (url, answer) => {
	const response = Readable.from([Buffer.from(certificate)])
	response.statusCode = 200
	answer(response)
	return { on: () => {} }
}
const MessageValidator = createRequire(process.argv[2] + '/')('sns-validator')

async function main() {
	let count = 0
	for await (const line of readline.createInterface({ input: process.stdin })) {
		const asked = JSON.parse(line)
		certificate = asked.certificate
		// It keeps certificates by address, which is not signed.
		asked.message.SigningCertURL += '?' + count++ + '.pem'
		console.log(JSON.stringify(await new Promise((resolve) =>
			new MessageValidator(/./).validate(asked.message, (error) => resolve(error && error.message)))))
	}
}

main()
