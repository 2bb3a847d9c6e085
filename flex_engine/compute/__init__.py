"""COMPUTE: jobs, queue files and the power they draw. Nothing is imported here, so that each reader loads only what it uses."""
