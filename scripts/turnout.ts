#!/usr/bin/env node
const x: string = process.version; console.log("turnout", x, process.argv.slice(2));
