// Ends this process when the program that started it has ended, whatever ended that: it alone holds
// the other end of standard input.
const end = () => process.kill(process.pid, 'SIGKILL');
process.stdin.on('end', end).on('error', end).resume();
process.stdin.unref();
