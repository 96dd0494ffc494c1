# Fluentd runs this file before it starts. Fluentd knows how far it has read each inode. While it is stopped, a new file
# may get the inode of a deleted one, and Fluentd would skip the new file's beginning. This file removes the positions of
# deleted files. A rotated file has the same name, with a time appended.
positions = "/var/lib/fluentd/positions"
name = ->(path) { path.sub(%r{\.log[^/]*\z}, ".log") }
begin
  names = Dir["/var/log/pods/*/*/*"].select { |path| File.exist?(path) }.to_h { |path| [File.stat(path).ino, name[path]] }
  kept = File.readlines(positions).select { |line| names[line[/\h+$/].to_s.hex] == name[line[/\A[^\t]+/].to_s] }
  File.write(positions, kept.join)
rescue SystemCallError => error
  # At the first start, there are no positions. Without this file, Fluentd still reads all other files.
  warn "positions.rb: #{error.message}"
end
