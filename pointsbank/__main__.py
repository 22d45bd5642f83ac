from pointsbank.cli import main

main(prog_name="pointsbank")
