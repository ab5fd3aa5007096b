# Writes the file IN as one C++ raw string literal to OUT.
file(READ ${IN} text)
file(WRITE ${OUT} "R\"__penstock__(${text})__penstock__\"\n")
