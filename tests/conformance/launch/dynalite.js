// SPDX-License-Identifier: Apache-2.0
// dynalite's own program listens on every interface; this starts it on 127.0.0.1 at a free port.
// dynalite.js DIR: where it is installed.
'use strict'

const { createRequire } = require('module')
const dynalite = createRequire(process.argv[2] + '/')('dynalite')

const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
server.listen(0, '127.0.0.1', () => {
	console.log('ready http://127.0.0.1:' + server.address().port)
})
