#!/bin/sh
# Turns the text of a terminal on stdin into an SVG on stdout. The README's picture is made by
#
#   (echo '$ make demo ONCE=1'; make -s demo ONCE=1) | scripts/demo/picture.sh >docs/demo.svg
exec awk '
  { gsub(/\033\[[0-9;]*m/, ""); gsub(/\t/, "    "); gsub(/&/, "\\&amp;"); gsub(/</, "\\&lt;"); gsub(/>/, "\\&gt;")
    lines[++count] = $0 }
  END {
    width = 980; line = 19; top = 46; height = top + count * line + 14
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n", width, height, width, height
    printf "<rect width=\"%d\" height=\"%d\" rx=\"8\" fill=\"#16191f\"/>\n", width, height
    print "<circle cx=\"20\" cy=\"18\" r=\"6\" fill=\"#ff5f57\"/><circle cx=\"40\" cy=\"18\" r=\"6\" fill=\"#febc2e\"/><circle cx=\"60\" cy=\"18\" r=\"6\" fill=\"#28c840\"/>"
    print "<g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,monospace\" font-size=\"13.5\" style=\"white-space:pre\" fill=\"#c9d1d9\">"
    for (i = 1; i <= count; i++) {
      style = ""
      if (lines[i] ~ /^\$/) style = " fill=\"#7ee787\""
      else if (lines[i] ~ /^[A-Zkp][^ ]* .*/ && lines[i - 1] == "") style = " fill=\"#ffffff\" font-weight=\"bold\""
      else if (lines[i] ~ /^  Running|the same/) style = " fill=\"#7ee787\""
      printf "<text x=\"20\" y=\"%d\" xml:space=\"preserve\"%s>%s</text>\n", top + (i - 1) * line, style, lines[i]
    }
    print "</g></svg>"
  }'
