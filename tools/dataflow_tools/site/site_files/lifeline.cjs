// Ends this process when the program that started it has ended, whatever ended that: it alone holds
// the other end of standard input. Node has its threads and children read this file as well; they
// end with this process, and their standard input is another one.
const { isMainThread } = require('node:worker_threads');

if (isMainThread && !process.env.DATAFLOW_LIFELINE) {
	process.env.DATAFLOW_LIFELINE = String(process.pid);
	const end = () => process.kill(process.pid, 'SIGKILL');
	process.stdin.on('end', end).on('error', end).resume();
	process.stdin.unref();
}
